"""What a runner is made of. Standard library only: it runs without site-packages."""
