"""One file a group of command-line verbs; each verb parses, calls one function, prints, returns."""
