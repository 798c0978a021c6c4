"""The dashboard's parts; the pages themselves are the scripts in `pages/`."""
