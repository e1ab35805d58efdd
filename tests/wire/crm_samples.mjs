/* What each CRM documents that it sends, signed by its own library where there is one,
 * by Node's crypto where there is none. */
import { createHmac, createPrivateKey, sign as signEd25519 } from "node:crypto";

import hubspot from "@hubspot/api-client";
import { sign as signGithub } from "@octokit/webhooks-methods";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";
import twilio from "twilio";

export const SECRET = "a-secret-of-the-hook";
export const PUBLIC = "https://gw.example";
export const STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
export const ORGANIZATION = "00Dx0000000abcdEAA";
export const json = "application/json";
export const form = "application/x-www-form-urlencoded";
export const xml = "text/xml; charset=utf-8";

export const seconds = () => Math.floor(Date.now() / 1000);
export const hmac = (text, secret = SECRET) => createHmac("sha256", secret).update(text).digest("base64");

/* Salesforce's outbound message. */
export const notification = (id, phone) => `
      <Notification>
        <Id>${id}</Id>
        <sObject xsi:type="sf:Contact" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
          <sf:Id>0035e00000${id.slice(-5)}</sf:Id>
          <sf:Phone>${phone}</sf:Phone>
        </sObject>
      </Notification>`;
export const outbound = (notifications, organization = ORGANIZATION) => `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <soapenv:Body>
    <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
      <OrganizationId>${organization}</OrganizationId>
      <ActionId>04kx00000000001AAA</ActionId>
      <SessionId xsi:nil="true"/>
      <EnterpriseUrl>https://example.my.salesforce.com/services/Soap/c/58.0</EnterpriseUrl>${notifications}
    </notifications>
  </soapenv:Body>
</soapenv:Envelope>`;

export const hubspotOldHeaders = (version, body, path = "/hooks/hubspot", secret = SECRET) => ({
	"X-HubSpot-Signature": hubspot.Signature.getSignature("POST", version, { clientSecret: secret, requestBody: body, url: `${PUBLIC}${path}` }),
	"X-HubSpot-Signature-Version": version,
});
export const hubspotHeaders = (body, path = "/hooks/hubspot", timestamp = Date.now(), secret = SECRET) => ({
	"X-HubSpot-Signature-v3": hubspot.Signature.getSignature("POST", "v3",
		{ clientSecret: secret, requestBody: body, url: `${PUBLIC}${path}`, timestamp }),
	"X-HubSpot-Request-Timestamp": String(timestamp),
});
export const stripeHeaders = (body, timestamp = seconds(), secret = SECRET) => ({
	"Stripe-Signature": Stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp }),
});
export const zendeskHeaders = (body, at = new Date()) => {
	const time = at.toISOString().replace(/\.\d+/, "");
	return { "X-Zendesk-Webhook-Signature": hmac(time + body), "X-Zendesk-Webhook-Signature-Timestamp": time };
};
export const standardHeaders = (body, id, at = new Date()) => ({
	"webhook-id": id, "webhook-timestamp": String(Math.floor(at / 1000)),
	"webhook-signature": new Webhook(STANDARD).sign(id, at, body),
});
/* Ed25519, by the seed of RFC 8032's first key. */
export const WHPK = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const edKey = createPrivateKey({ format: "der", type: "pkcs8", key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"),
	Buffer.from("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex")]) });
export const ed25519Headers = (body, id, at = new Date()) => ({
	"webhook-id": id, "webhook-timestamp": String(Math.floor(at / 1000)),
	"webhook-signature": `v1a,${signEd25519(null, Buffer.from(`${id}.${Math.floor(at / 1000)}.${body}`), edKey).toString("base64")}`,
});
export const githubHeaders = async (body, delivery, secret = SECRET) => ({
	"X-Hub-Signature-256": await signGithub(secret, body), "X-GitHub-Delivery": delivery,
});
export const twilioHeaders = (params, path = "/hooks/twilio") => ({
	"X-Twilio-Signature": twilio.webhook?.getExpectedTwilioSignature?.(SECRET, PUBLIC + path, params)
		?? twilio.getExpectedTwilioSignature(SECRET, PUBLIC + path, params),
});

/* What each CRM documents, and how it is signed: [body, headers, type]. n makes it another
 * message: its ids are those of the n-th. */
export const samples = {
	hubspot: async (phone, n = 0) => {
		const body = JSON.stringify([{ objectId: 1246965, propertyName: "phone", propertyValue: phone, changeSource: "ACADEMY",
			eventId: 3816279340 + n, subscriptionId: 25, portalId: 33, appId: 1160452, occurredAt: 1462216307945,
			subscriptionType: "contact.propertyChange", attemptNumber: 0 }]);
		return [body, hubspotHeaders(body), json];
	},
	pipedrive: async (phone, n = 0) => [JSON.stringify({ data: { id: 1, phone }, previous: null,
		meta: { action: "create", attempt: 1, entity: "person", id: `4b3c1b0e-6d2a-4e8e-9d3f-0a7a2c1b8e${55 + n}`, version: "2.0" } }),
	{ Authorization: `Basic ${Buffer.from("pipedrive:a-password").toString("base64")}` }, json],
	zoho: async (phone) => [`tonumber=${encodeURIComponent(phone)}&zohouser=4000000001001&token=${SECRET}`, {}, form],
	salesforce: async (phone, n = 0) => [outbound(notification(`04lx0000000000${n + 1}AAA`, phone)), {}, xml],
	bitrix24: async (phone, n = 0) => [new URLSearchParams({ event: "ONEXTERNALCALLSTART", "data[PHONE_NUMBER]": phone,
		"data[PHONE_NUMBER_INTERNATIONAL]": phone, "data[EXTENSION]": "", "data[USER_ID]": "7", "data[CALL_LIST_ID]": "0",
		"data[LINE_NUMBER]": "", "data[IS_MOBILE]": "0", "data[CALL_ID]": `externalCall.716ae1a0b59b4b6b9d7d6b2c1e2f3a4b.${1614265330 + n}`,
		"data[CRM_ENTITY_TYPE]": "CONTACT", "data[CRM_ENTITY_ID]": "797", ts: "1614265330",
		"auth[domain]": "example.bitrix24.com", "auth[member_id]": "a223c6b3710f85df22e9377d6c4f7553",
		"auth[application_token]": SECRET }).toString(), {}, form],
	zendesk: async (phone) => {
		const body = JSON.stringify({ account_id: 22129848, detail: { id: "6596848315901", phone }, type: "zen:event-type:user.created",
			event: {}, id: "2b24ef10-19d3-4740-93cf-8f98ec4776c0", subject: "zen:user:6596848315901", time: "2022-06-29T23:43:20Z" });
		return [body, zendeskHeaders(body), json];
	},
	github: async (phone, n = 0) => {
		const body = JSON.stringify({ action: "call", branch: "main", client_payload: { phone } });
		return [body, await githubHeaders(body, `72d3162e-cc78-11e3-81ab-4c9367dc09${58 + n}`), json];
	},
	stripe: async (phone) => {
		const body = JSON.stringify({ id: "evt_1NG8Du2eZvKYlo2CUI79vXWy", object: "event", type: "customer.created",
			data: { object: { id: "cus_9s6XKzkNRiz8i3", phone } } }, null, 2);
		return [body, stripeHeaders(body), json];
	},
	twilio: async (phone) => {
		const params = { To: phone, From: "+14158675309", CallSid: "CA1234567890ABCDE", Digits: "12 34" };
		return [new URLSearchParams(params).toString(), twilioHeaders(params), form];
	},
	standard: async (phone, n = 0) => {
		const body = JSON.stringify({ type: "contact.clicked", timestamp: "2022-11-03T20:26:10.344522Z", data: { phone } });
		return [body, standardHeaders(body, `msg_2KWPBgLlAfxdpx2AI54pPJ85f4W${n || ""}`), json];
	},
};
