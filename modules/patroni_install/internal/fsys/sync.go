package fsys

import (
	"os"
	"path"
	"sync"

	"golang.org/x/sys/unix"
)

// syncers is how many syncs of one tree are under way at once. Each waits for a commit of the
// file system's journal and a flush of the device's cache; those that wait together share them.
const syncers = 32

// SyncTree makes everything below directory name durable. Writing is started for all files first, so that the file
// system can order it; the syncs that follow then mostly find their data written. Unlike syncfs it does not wait for
// data that others wrote to the same file system. Another file system mounted below is an error (EXDEV).
func (f *FS) SyncTree(name string) error {
	file, err := f.OpenDir(name)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // read only
	return f.syncTree(file)
}

func (f *FS) syncTree(file *os.File) error {
	if err := f.Announce("synctree", file.Name()); err != nil {
		return pathError("sync", file.Name(), err)
	}
	if err := f.startWriting(file); err != nil {
		return err
	}
	if err := f.syncBelow(file); err != nil {
		return err
	}
	return f.syncFile(file, true)
}

// startWriting asks for the files below a directory to be written, without waiting. It is only a hint: a file that it
// misses is synced all the same.
func (f *FS) startWriting(top *os.File) error {
	return f.eachEntry(top, func(file *os.File, directory bool) error {
		if !directory {
			_ = unix.SyncFileRange(int(file.Fd()), 0, 0, unix.SYNC_FILE_RANGE_WRITE)
		}
		return file.Close()
	})
}

// syncBelow syncs every file and directory below a directory, several at once.
func (f *FS) syncBelow(top *os.File) error {
	var (
		running = make(chan struct{}, syncers)
		all     sync.WaitGroup
		first   sync.Once
		failed  error
	)
	err := f.eachEntry(top, func(file *os.File, directory bool) error {
		running <- struct{}{}
		all.Go(func() {
			if err := f.closeSynced(file, directory); err != nil {
				first.Do(func() { failed = err })
			}
			<-running
		})
		return nil
	})
	all.Wait()
	if err == nil {
		err = failed
	}
	return err
}

func (f *FS) closeSynced(file *os.File, directory bool) error {
	err := f.syncFile(file, directory)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// eachEntry opens every regular file and directory below top for do, which closes it.
func (f *FS) eachEntry(top *os.File, do func(file *os.File, directory bool) error) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(top.Fd()), &st); err != nil {
		return pathError("stat", top.Name(), err)
	}
	dev := st.Dev
	return walkAgain(top, func(rel string, info Info, in *os.File) (bool, error) {
		if info.Type != File && info.Type != Directory {
			return false, nil
		}
		if info.Dev != dev && info.Type == Directory {
			return false, pathError("sync", path.Join(top.Name(), rel), unix.EXDEV)
		}
		base := path.Base(rel)
		name := path.Join(in.Name(), base)
		fd, err := f.openFile(int(in.Fd()), base, name)
		if err != nil {
			return false, unlessGone(err)
		}
		return true, do(os.NewFile(uintptr(fd), name), info.Type == Directory)
	})
}
