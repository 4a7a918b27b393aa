"""Decisions as plain functions: no await, no clock, no Discord, no SQL."""
