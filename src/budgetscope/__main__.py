"""`python -m budgetscope`."""

from budgetscope.cli.entry import main

main()
