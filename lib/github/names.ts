/** With an underscore only where a company manages its users' accounts. */
const OWNER = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;
const NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/;

/** Whether GitHub can have a repository of this owner and name. */
export function isRepositoryName({ owner, name }: { owner: string; name: string }): boolean {
  return OWNER.test(owner) && NAME.test(name);
}
