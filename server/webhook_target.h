/* Where webhooks may go: the address that is really connected to, whatever the URL
 * said and the DNS answered. Pure. */
#ifndef BELLPULL_SERVER_WEBHOOK_TARGET_H
#define BELLPULL_SERVER_WEBHOOK_TARGET_H

#include <stdbool.h>
#include <stddef.h>

struct gw_config_webhooks;
struct sockaddr;

/* NULL: it may be connected to. Else why not. Addresses that are no stranger's on
 * the Internet are refused, unless allow_targets has them; so are ports but 443
 * (and 80 with allow_http). */
const char *gw_webhook_target_refuse(const struct sockaddr *sa,
				     const struct gw_config_webhooks *cfg);

/* Whether allow_targets has it: then it may be this machine itself, too. */
bool gw_webhook_target_listed(const struct sockaddr *sa,
			      const struct gw_config_webhooks *cfg);

/* The host of a URL in lower case, without port and brackets. Returns 0 or EINVAL:
 * no http or https, a user, blanks, or longer than size. */
int gw_webhook_host(char *host, size_t size, const char *url);

#endif
