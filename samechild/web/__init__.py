"""The web door: pages for people and an API for machines, over the same actions as the command line.

Every page is declared once with who may open it; one place checks the sign-in, the role, the form's token and the
size and pace of requests, so that no page can forget to. Pages work without JavaScript and on paper.
"""
