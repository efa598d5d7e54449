"""What is measured, one metric a file: each counts a numerator and a denominator per document."""
