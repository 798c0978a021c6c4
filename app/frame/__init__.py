"""What all pages share: header, links, security headers, error messages."""
