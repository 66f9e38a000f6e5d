// The calls that the screen makes. A problem (RFC 9457) becomes an Error that
// says what it says.

import type { Alert, Features, Feedback, Journey, Overview, PatternReport, SentInteraction, Suggestion, Summary } from "./types";

/** Refused is the server's answer that it will not. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function call<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(path, { headers: { Accept: "application/json" }, ...init });
  const body: unknown = await response.json().catch(() => ({}));
  if (!response.ok) {
    const problem = body as { title?: string; detail?: string };
    throw new Refused(response.status, problem.detail ?? problem.title ?? `the server answered ${response.status}`);
  }
  return body as T;
}

const post = <T>(path: string, body: unknown): Promise<T> => call<T>(path, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });

const id = encodeURIComponent;

export const overview = (): Promise<Overview> => call("/v1/overview");

export const interactions = (): Promise<{ interactions: SentInteraction[]; position: string }> => call("/v1/interactions?live=true&limit=2000");

export const interaction = (i: string): Promise<SentInteraction> => call(`/v1/interactions/${id(i)}`);

export const turns = (i: string): Promise<{ turns: Features[]; position: string; complete: boolean; why?: string }> => call(`/v1/interactions/${id(i)}/turns?limit=1000`);

export const summary = (i: string): Promise<Summary> => post(`/v1/interactions/${id(i)}/summary`, {});

export const alerts = (): Promise<{ alerts: Alert[] }> => call("/v1/alerts?limit=1000");

export const context = (customer: string): Promise<{ journey: string; suggestions: Suggestion[] }> => call(`/v1/customers/${id(customer)}/context`);

export const journey = (j: string): Promise<Journey> => call(`/v1/journeys/${id(j)}`);

export const patterns = (since: string): Promise<PatternReport> => call(`/v1/patterns?since=${since}`);

export const acknowledge = (alert: string): Promise<Feedback> => post(`/v1/alerts/${id(alert)}/acknowledge`, {});

export const feedback = (suggestion: string, useful: boolean): Promise<Feedback> =>
  post(`/v1/suggestions/${id(suggestion)}/feedback`, useful ? { displayed: true, clicked: true, correctness: "FULLY", outcome: "accepted" } : { displayed: true, correctness: "NOT", outcome: "dismissed" });
