"""Benchmarks of the budgets: `./dev bench`. Figures are ratios or counts of one run; machines differ."""
