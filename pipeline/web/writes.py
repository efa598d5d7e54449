"""What is written: signing in and out, calls, closed steps, corrections. Confirmed means committed."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
