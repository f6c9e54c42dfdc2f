"""What becomes of runs: their attempts, their schedules, who starts or ends together."""
