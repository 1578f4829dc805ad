"""Other people's tools: each module needs the tool that it is named after, and nothing else here needs any of them."""
