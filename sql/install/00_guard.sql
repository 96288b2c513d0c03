\echo Use "CREATE EXTENSION connhub" to load this file. \quit
