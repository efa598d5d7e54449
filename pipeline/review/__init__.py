"""What reviewers do: make calls in three steps, blind to each other until their own is in, and correct the machine."""
