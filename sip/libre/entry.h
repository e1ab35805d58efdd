/* Somebody at libre's door. libre keeps the sockets it listens on to itself and
 * takes in whoever comes; linked with --wrap, four of its calls come by here. */
#ifndef BELLPULL_SIP_LIBRE_ENTRY_H
#define BELLPULL_SIP_LIBRE_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include <re.h>

struct gw_entry;

/* A message in a datagram on a socket that is watched, not read yet: NULL when it
 * is STUN. False: not for libre. */
struct gw_guard_facts;
typedef bool(gw_entry_datagram_h)(const struct sa *src,
				  const struct gw_guard_facts *facts,
				  void *arg);

/* A connection that somebody has made to a socket that is watched; fd is libre's.
 * False: libre closes it. */
typedef bool(gw_entry_connection_h)(const struct sa *peer, int fd, void *arg);

/* Deref it after the struct sip whose sockets it watches: it holds them. */
int gw_entry_alloc(struct gw_entry **entryp, gw_entry_datagram_h *datagramh,
		   gw_entry_connection_h *connectionh, void *arg);

/* Datagrams so far that were no SIP, or more than a parser should be given. */
uint64_t gw_entry_malformed(const struct gw_entry *entry);

/* sip_transp_add(), and what it opens is watched from then on. */
int gw_entry_add_transport(struct gw_entry *entry, struct sip *sip,
			   enum sip_transp tp, const struct sa *laddr,
			   struct tls *tls);

#endif
