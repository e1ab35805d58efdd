/* What this is, for --version, User-Agent and /metrics. The number is the
 * Makefile's. */
#ifndef BELLPULL_SERVER_VERSION_H
#define BELLPULL_SERVER_VERSION_H

#ifndef GW_VERSION
#define GW_VERSION "0"
#endif
#define GW_USER_AGENT "Bellpull/" GW_VERSION

#endif
