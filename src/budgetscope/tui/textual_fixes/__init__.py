"""Work around faults of Textual; each file names the upstream issue and the test that says when to delete it."""
