"""Readers of printed model summaries: text -> PrintedSummary, one format a file."""
