"""What is measured, one subject in each file; each has a `measure_…` that returns a `Subject`."""
