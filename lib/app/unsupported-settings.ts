/** A setting of Celery's that is refused, with why. */
export interface UnsupportedSetting {
  /** Celery's name. */
  readonly celery: string
  readonly status: 'later' | 'none'
  /** A phrase that completes "is not supported yet: …" or "has no meaning here: …". */
  readonly reason: string
}

/** Reason → Celery's names, separated by spaces. */
type Reasons = Readonly<Record<string, string>>

const later: Reasons = {
  'crontabs in local time come with periodic tasks': 'timezone',
  'adapters of your own come with a later version': 'override_backends',
  'error callbacks of chord headers come with chords':
    'task_allow_error_cb_on_chord_header result_chord_join_timeout result_chord_retry_interval',
  'rate limits come with a later version': 'task_default_rate_limit worker_disable_rate_limits',
  'task events come with a later version':
    'task_send_sent_event worker_send_task_events event_queue_ttl event_queue_expires event_queue_durable event_queue_exclusive event_queue_prefix event_exchange event_serializer',
  'remote control comes with a later version':
    'worker_enable_remote_control worker_pool_restarts control_exchange control_queue_ttl control_queue_expires control_queue_durable control_queue_exclusive',
  'queue types and limits come with the RabbitMQ broker':
    'task_create_missing_queue_type task_create_missing_queue_exchange_type task_default_queue_type task_queue_max_priority worker_detect_quorum_queues broker_native_delayed_delivery_queue_type',
  'a queue per worker comes with a later version': 'worker_direct',
  'separate URLs for reading and writing come with the brokers over a network': 'broker_read_url broker_write_url',
  'the embedded store has no connection to keep; this comes with the brokers over a network':
    'broker_failover_strategy broker_heartbeat broker_heartbeat_checkrate broker_pool_limit broker_pool_acquire_timeout broker_connection_timeout broker_connection_retry broker_connection_retry_on_startup broker_connection_max_retries broker_channel_error_retry broker_login_method',
  'result stores over a network come with a later version':
    'result_backend_always_retry result_backend_base_sleep_between_retries_ms result_backend_max_sleep_between_retries_ms result_backend_max_retries result_persistent',
  'compressed results come with a later version': 'result_compression',
  'logins that change come with a later version': 'redis_backend_credential_provider',
  'pools of threads and processes come with a later version':
    'worker_lost_wait worker_max_tasks_per_child worker_max_memory_per_child worker_proc_alive_timeout',
  'set workerPrefetchMultiplier to 1 until then': 'worker_disable_prefetch',
  'skipping what already succeeded comes with a later version': 'worker_deduplicate_successful_tasks',
  'what becomes of running tasks on a lost connection comes with the brokers over a network':
    'worker_cancel_long_running_tasks_on_connection_loss',
  'the soft stage of stopping comes with a later version': 'worker_enable_soft_shutdown_on_idle',
  'log and pid files come with a later version; redirect the output until then': 'worker_logfile worker_pidfile',
  'periodic tasks come with a later version':
    'beat_schedule beat_scheduler beat_schedule_filename beat_sync_every beat_max_loop_interval beat_cron_starting_deadline beat_logfile beat_pidfile',
  'signed messages come with a later version':
    'security_key security_key_password security_certificate security_cert_store security_digest',
}

const none: Reasons = {
  'a process has one connection to Redis for commands and one for messages, whatever it does': 'redis_max_connections',
  'a connection without traffic is asked for a sign of life every five seconds':
    'redis_socket_keepalive redis_backend_health_check_interval',
  'connecting is tried again until the time of the call is over (`redisSocketTimeout`)': 'redis_socket_connect_timeout',
  'what does no harm when it is done twice is repeated by itself': 'redis_retry_on_timeout',
  'every connection is named umbel': 'redis_client_name',
  'errors carry their stack as text, in both directions': 'task_remote_tracebacks',
  'write the whole URL in `broker`':
    'broker_host broker_port broker_user broker_password broker_vhost broker_transport',
  'a Node process has one thread that talks to the store': 'result_backend_thread_safe',
  'results are read from their store and kept nowhere else': 'result_cache_max',
  'they belong to a result backend that Celery itself has removed':
    'result_exchange result_exchange_type cache_backend',
  'write the whole URL in `backend`': 'database_url redis_host redis_port redis_db redis_username redis_password',
  'Umbel has no SQLAlchemy result backend; its own store is sqlite:':
    'database_create_tables_at_setup database_engine_options database_engine_callback database_short_lived_sessions database_table_schemas database_table_names',
  'Umbel has no memcached result backend': 'cache_backend_options',
  'Umbel has no MongoDB result backend': 'mongodb_backend_settings',
  'Umbel has no Elasticsearch result backend':
    'elasticsearch_retry_on_timeout elasticsearch_max_retries elasticsearch_timeout elasticsearch_save_meta_as_text',
  'Umbel has no Cassandra result backend':
    'cassandra_servers cassandra_secure_bundle_path cassandra_bundle_path cassandra_port cassandra_keyspace cassandra_table cassandra_read_consistency cassandra_write_consistency cassandra_entry_ttl cassandra_auth_provider cassandra_auth_kwargs cassandra_options',
  'Umbel has no S3 result backend':
    's3_access_key_id s3_secret_access_key s3_bucket s3_base_path s3_endpoint_url s3_region',
  'Umbel has no Azure result backend':
    'azureblockblob_container_name azureblockblob_base_path azureblockblob_retry_initial_backoff_sec azureblockblob_retry_increment_base azureblockblob_retry_max_attempts azureblockblob_connection_timeout azureblockblob_read_timeout cosmosdbsql_database_name cosmosdbsql_collection_name cosmosdbsql_consistency_level cosmosdbsql_max_retry_attempts cosmosdbsql_max_retry_wait_time',
  'Umbel has no Google Cloud result backend':
    'gcs_bucket gcs_project gcs_base_path gcs_ttl gcs_threadpool_maxsize firestore_project',
  'Umbel has no Couchbase result backend': 'couchbase_backend_settings',
  'Umbel has no ArangoDB result backend': 'arangodb_backend_settings',
  'messages with a due time wait in the store and cost workers nothing':
    'worker_eta_task_limit worker_timer_precision worker_timer',
  'prefetch follows how long tasks take, also after a reconnect': 'worker_enable_prefetch_count_reduction',
  'revocations are kept in the store that all workers share': 'worker_state_db',
  'it is a class of the Python worker': 'worker_pool_putlocks worker_autoscaler worker_consumer worker_agent',
  'start the process as the user you want, with the mask you want (systemd: User=, Group=, UMask=)':
    'worker_uid worker_gid worker_umask worker_executable beat_uid beat_gid beat_umask beat_executable events_logfile events_pidfile events_uid events_gid events_umask events_executable',
  'a process of Node has no root logger; pass a `logger` of your own': 'worker_hijack_root_logger',
  'colour follows the terminal and NO_COLOR': 'worker_log_color',
  'log lines are structured; pass a `logger` of your own to format them': 'worker_log_format worker_task_log_format',
  'what tasks print stays what they print': 'worker_redirect_stdouts worker_redirect_stdouts_level',
}

/** Every setting of Celery's that this version refuses. */
export const unsupportedSettings: readonly UnsupportedSetting[] = [...rows('later', later), ...rows('none', none)]

function rows(status: 'later' | 'none', reasons: Reasons): UnsupportedSetting[] {
  return Object.entries(reasons).flatMap(([reason, names]) =>
    names.split(' ').map((celery) => ({ celery, status, reason })),
  )
}
