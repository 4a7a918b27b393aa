"""The data folders of the JavaScript original: decoded record by record, imported in one transaction."""
