import { assert } from 'chai'
import { networkFileSystem } from '../../../../lib/driver/sqlite/network-file-system.ts'

describe('network file systems', () => {
  it('are known by their numbers, signed or not', () => {
    assert.equal(networkFileSystem(0x6969), 'NFS')
    assert.equal(networkFileSystem(0x65735546), 'FUSE')
    assert.equal(networkFileSystem(0xff534d42), 'CIFS')
    assert.equal(networkFileSystem(0xff534d42 | 0), 'CIFS')
  })

  it('are not those of one machine: ext4, xfs, btrfs, tmpfs, overlay, zfs', () => {
    for (const type of [0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0])
      assert.isUndefined(networkFileSystem(type))
  })
})
