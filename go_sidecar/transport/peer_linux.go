package transport

import "syscall"

func descriptorUID(descriptor int) (int, error) {
	credentials, err := syscall.GetsockoptUcred(descriptor, syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	if err != nil {
		return -1, err
	}
	return int(credentials.Uid), nil
}
