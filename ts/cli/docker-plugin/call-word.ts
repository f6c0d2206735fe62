/** The first argument of a call by docker's command line; the plugin's name and docker's own words follow. */
export const DOCKER_CALL = 'docker-call';
