/** What a person or system has sent must outlast a database that is away for hours: the most that Inngest allows. */
export const INBOUND_RETRIES = 20;
