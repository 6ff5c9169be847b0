"""Doing: slots, lanes, the scheduler, and the one place where a build becomes an outcome and its wheels."""
