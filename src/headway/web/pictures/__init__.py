"""Pictures: values in, SVG out. One picture a file; what they are made of is in `parts/`."""
