package transport

import "golang.org/x/sys/unix"

func descriptorUID(descriptor int) (int, error) {
	credentials, err := unix.GetsockoptXucred(descriptor, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return -1, err
	}
	return int(credentials.Uid), nil
}
