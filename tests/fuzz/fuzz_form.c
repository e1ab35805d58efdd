/* D13: a form with bracket keys is refused with a sentence, or is JSON that the strict
 * reader takes; what it takes has come out of at most so many pairs. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "server/crm_tree.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[GW_CRM_WHY_SIZE] = "";
	struct gw_json_doc *doc = NULL;
	int err;

	err = gw_crm_tree(&doc, GW_CRM_FORM, data, size, why);
	ENSURE(!err || err == EBADMSG);
	ENSURE(!err == (doc != NULL));
	ENSURE(!err || why[0]);
	if (doc)
		ENSURE(gw_json_type(gw_json_root(doc)) == GW_JSON_OBJECT);
	if (doc)
		ENSURE(gw_json_count(gw_json_root(doc)) <= GW_CRM_PAIRS_MAX);
	mem_deref(doc);
	return 0;
}
