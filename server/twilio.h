/* Calls in the words of Twilio's API, for /2010-04-01 (api_twilio.c) and the
 * callbacks of its calls (webhook_deliver.c): ids, errors, orders, the resource of a
 * call, forms and signatures. docs/twilio.md tells people. Pure.
 *
 *   twilio_sid.c       CallSid, AccountSid, the key in Authorization: Basic
 *   twilio_error.c     {"code":21210,"message":...}
 *   twilio_order.c     the form of a new call, as an order of POST /calls
 *   twilio_twiml.c     <Response><Dial>
 *   twilio_call.c      a call as Twilio shows it
 *   twilio_callback.c  what a status callback says
 *   twilio_sign.c      X-Twilio-Signature                                     */
#ifndef BELLPULL_SERVER_TWILIO_H
#define BELLPULL_SERVER_TWILIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/call_id.h"
#include "sip/address.h"

struct gw_json;
struct gw_json_doc;
struct mbuf;

#define GW_TWILIO_ROOT "/2010-04-01/"

/* Ids ----------------------------------------------------------------------- */

enum { GW_TWILIO_SID_SIZE = 35 }; /* two letters, 32 hex digits, NUL */

/* The same 128 bits: "CA" + hex of a valid id, and back. False: no CallSid. */
void gw_twilio_call_sid(char sid[GW_TWILIO_SID_SIZE], const char *id);
bool gw_twilio_call_id(char id[GW_CALL_ID_SIZE], const char *sid);

/* A project is an account: "AC" and the first 32 hex digits of its name's SHA-256.
 * NULL: there are no keys, and all is of the project "default". */
void gw_twilio_account_sid(char sid[GW_TWILIO_SID_SIZE], const char *project);

/* Authorization: Basic, as clients send it: the account and the key. */
enum { GW_TWILIO_KEY_MAX = 4096 };
struct gw_twilio_basic {
	char text[GW_TWILIO_SID_SIZE + 1 + GW_TWILIO_KEY_MAX + 4];
	const char *account, *key; /* in text: wipe it when they were read */
};
/* header: behind "Basic". False: it is none. */
bool gw_twilio_basic_read(struct gw_twilio_basic *basic, const char *header);

/* Errors -------------------------------------------------------------------- */

/* What Twilio's clients are told instead of status. */
unsigned gw_twilio_status(unsigned status, const char *code);

struct gw_twilio_error {
	unsigned status;  /* as gw_twilio_status() says     */
	const char *code; /* our word; it makes the number  */
	const char *message;
	const char *request_id;
};
/* Returns 0 or ENOMEM. */
int gw_twilio_print_error(struct mbuf *mb, const struct gw_twilio_error *error);

/* What is wrong with a form, by the name of its parameter. */
struct gw_twilio_fault {
	const char *code; /* our word, static */
	char text[256];
};
void gw_twilio_fault(struct gw_twilio_fault *fault, const char *code,
		     const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same of a fault that the order has: by its pointer. */
void gw_twilio_fault_of(struct gw_twilio_fault *fault, const char *pointer,
			const char *detail);

/* Orders -------------------------------------------------------------------- */

enum { GW_TWIML_MAX = 4000 }; /* bytes */

/* What a document says. Strings but dial live with it. */
struct gw_twiml {
	char dial[GW_URI_MAX + 1]; /* a number or a sip: URI        */
	const char *caller_id, *timeout, *time_limit, *ring_tone; /* or NULL */
	bool record;
};
/* document: XML as JSON (crm_tree.h). Returns 0 or EBADMSG. */
int gw_twiml_read(struct gw_twiml *twiml, const struct gw_json *document,
		  struct gw_twilio_fault *fault);

/* A new call's form as an order of POST /calls, whose strings may be numbers
 * (from_form). first: who is rung first where no <Dial> says who is the other;
 * or NULL. Returns 0, EBADMSG (fault says why) or ENOMEM. */
int gw_twilio_order(struct gw_json_doc **orderp, const uint8_t *form,
		    size_t len, const char *first,
		    struct gw_twilio_fault *fault);

/* What the form of POST Calls/{sid}.json wants. The same errors. */
enum gw_twilio_wish { GW_TWILIO_COMPLETED, GW_TWILIO_CANCELED };
int gw_twilio_wish(enum gw_twilio_wish *wishp, const uint8_t *form, size_t len,
		   struct gw_twilio_fault *fault);

/* Calls --------------------------------------------------------------------- */

struct gw_writer;

/* call: as our API shows it. caller_id: of calls that were not placed here. */
void gw_twilio_write_call(struct gw_writer *w, const struct gw_json *call,
			  const char *account, const char *caller_id);
/* The From that a call was placed with; NULL: by another way. */
const char *gw_twilio_from(const struct gw_json *call);

/* Callbacks ----------------------------------------------------------------- */

/* Does who is told of this event want the form behind his URL? */
bool gw_twilio_is_get(const struct gw_json *event);

/* Appends the form that tells an event of a call. Returns 0, EBADMSG (it is no
 * event that a callback tells) or ENOMEM. */
int gw_twilio_callback(struct mbuf *form, const struct gw_json *event,
		       const char *project);

/* The fields of a form one behind the other, sorted and decoded, as they are
 * signed; NULL: no memory, or no form. */
struct mbuf *gw_twilio_fields(const char *form, size_t len);

/* X-Twilio-Signature of a form of ours that is posted to url; empty: of a GET. Returns 0 or ENOMEM. */
enum { GW_TWILIO_SIGNATURE_SIZE = 48 };
int gw_twilio_sign(char signature[GW_TWILIO_SIGNATURE_SIZE], const char *token,
		   const char *url, const char *form, size_t len);

#endif
