"""What is kept is bounded: what nothing can need any more goes, some at a time."""
