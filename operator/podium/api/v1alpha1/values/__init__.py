"""What all models share: durations, percentages, times, and rules that CEL and Python check alike."""
