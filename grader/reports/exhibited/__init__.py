"""What makes each kind of exhibit: one file each, called by `grader.reports.exhibits`."""
