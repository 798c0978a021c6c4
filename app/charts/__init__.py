"""The charts of the pages. Every function turns data into an Altair chart, without side effects."""
