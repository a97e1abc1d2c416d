"""How fast is it: prompts, plan, statistics, results and how they compare. Pure."""
