"""Speed and memory, as ratios of what is compared in one run on one machine.

``make bench`` prints them as JSON. Nothing here asserts: machines are shared and
noisy, so each figure is the median of several interleaved runs.
"""
