"""What runs inside a runner's outer sandbox: holds the jobs' modules, and makes a sandbox a run.

These files are seen there as the package `headway_zygote`. They use the standard library only and
import only one another, because the Python that runs them is the app's.
"""
