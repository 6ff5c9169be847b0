"""What tests of real tools share: finding them, fetching and copying projects, running programs, reading wheels.

A tool that is missing is a failure where ``CI=true`` and a skip with its reason elsewhere.
"""
