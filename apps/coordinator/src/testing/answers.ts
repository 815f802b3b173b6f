import { apiOperations, wireErrorSchema } from '@berth/contracts';

/** What a refusal says. */
export async function errorOf(
  response: Response,
): Promise<{ status: number; code: string; message: string }> {
  const { code, message } = wireErrorSchema.parse(await response.json());
  return { status: response.status, code, message };
}

/** What an operation answers, by its own schema. @throws Error for a refusal */
export async function answerOf<Name extends keyof typeof apiOperations>(
  name: Name,
  response: Response,
): Promise<ReturnType<(typeof apiOperations)[Name]['response']['parse']>> {
  const value: unknown = await response.json();
  if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(value)}`);
  return apiOperations[name].response.parse(value) as never;
}
