/**
 * File systems that other machines may share, by the number that statfs(2) gives (Linux). The write-ahead log needs shared memory and
 * locks of one machine, so a store there would lose messages in silence.
 * @see Linux' include/uapi/linux/magic.h
 */
const names = new Map<number, string>([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x65735546, 'FUSE'],
  [0x01021997, '9p'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x00c36400, 'Ceph'],
  [0x564c, 'NCP'],
  [0x73757245, 'Coda'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x19830326, 'BeeGFS'],
  [0x786f4256, 'VirtualBox shared folder'],
  [0xbacbacbc, 'VMware shared folder'],
])

/** The name of a network file system, by statfs' type; undefined for those of one machine. */
export function networkFileSystem(type: number): string | undefined {
  // Node gives the kernel's signed long: some have their upper half set.
  return names.get(type >>> 0)
}
