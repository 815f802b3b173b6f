/**
 * Asks of what was found; where that is gone meanwhile, as old checkpoints go when newer ones come, of what is found then.
 * @throws what finding and asking throw
 */
export async function askFound<Found, Answer>(
  {
    find,
    isThere,
  }: {
    readonly find: () => Promise<Found>;
    readonly isThere: (found: Found) => Promise<boolean>;
  },
  ask: (found: Found) => Promise<Answer>,
): Promise<Answer> {
  const found = await find();
  try {
    return await ask(found);
  } catch (error) {
    if (await isThere(found)) throw error;
    return ask(await find());
  }
}
