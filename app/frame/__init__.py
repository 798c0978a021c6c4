"""What stands around every page: header, links, security, failures."""
