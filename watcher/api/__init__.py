"""Hears people and shows people: HTTP.

    routes     one table: path, method, scope, models, handler. The router, ``/openapi.json`` and the test matrix come from it
    server     `build`: the application; what happens around every handler
    auth       who asks, and what they may
    problems   every refusal, as ``application/problem+json`` with a remedy
    limits     what a request may cost before anybody has read it
    asked      what may stand in a request;  told: what stands in an answer
    handlers   what each route does

Deliberately absent: decisions. An order is a pure step of ``watcher.core.lifecycle``, saved by ``watcher.store.stepping``.
"""
