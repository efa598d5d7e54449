"""Rubrics, prompt templates, examples and lint rules: text that people read and machines load."""
