-- The types of the drivers installed now.  One that does not load is a warning.

SELECT connhub.register_drivers();
