"""`python -m budgetscope`."""

from budgetscope.cli.main import main

main()
