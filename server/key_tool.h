/* `bellpull key ...`: making, listing and taking away API keys. */
#ifndef BELLPULL_SERVER_KEY_TOOL_H
#define BELLPULL_SERVER_KEY_TOOL_H

struct gw_config;

/* For --help. */
extern const char gw_key_tool_help[];

/* The words behind `key`; --config has been read into cfg. The new key is all that
 * goes to stdout, so it can be piped. Returns the exit code. */
int gw_key_tool(const struct gw_config *cfg, int argc, char *argv[]);

#endif
