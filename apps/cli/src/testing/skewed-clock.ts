/** Variables of a process whose clock is ahead of the machine's. */
export function skewedClock(aheadMs: number): { readonly NODE_OPTIONS: string } {
  const script = `const now=Date.now,Real=Date;globalThis.Date=class extends Real{
constructor(...args){args.length>0?super(...args):super(now()+${aheadMs})}static now(){return now()+${aheadMs}}}`;
  return { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(script)}` };
}
