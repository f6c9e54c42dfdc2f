"""What pictures are made of: elements, text that is measured, marks, axes of time."""
