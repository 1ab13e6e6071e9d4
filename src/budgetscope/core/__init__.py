"""The pure core: counting, laws, hardware and answers, without I/O and third-party imports."""
